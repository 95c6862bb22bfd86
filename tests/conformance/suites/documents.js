/** What every front end asks: an account, uploads, pages and predictions. */

export const SIGN_UP = `mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { user { id emailVerified } errors { code message path } }
}`;
export const VERIFY = `mutation Verify($input: VerifyEmailInput!) {
  verifyEmail(input: $input) { user { id emailVerified } errors { code message path } }
}`;
export const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { token user { id name } errors { code message path } }
}`;
export const UPLOAD = `mutation Upload($input: UploadImagesInput!) {
  uploadImages(input: $input) { results { filename image { id filename } errors { code } } errors { code } }
}`;
export const IMAGES = `query Images($first: Int, $after: String) {
  images(first: $first, after: $after) {
    edges { cursor node { id filename } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
export const PREDICTIONS = `subscription Predictions($after: Cursor) {
  predictionMade(after: $after) { cursor prediction { id abstained image { id filename } } }
}`;
