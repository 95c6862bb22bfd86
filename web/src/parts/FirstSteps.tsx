/** How to sign up and upload while there are no pages for it: GraphiQL's tabs, and a command. */

const UPLOAD = `mutation Upload($files: [Upload!]!) {
  uploadImages(input: {files: $files, waitSeconds: 30}) {
    results { filename image { prediction { finding probability } } errors { message } }
    errors { message }
  }
}`;

const OPERATIONS = JSON.stringify({ query: UPLOAD.replace(/\s+/g, " "), variables: { files: [null] } });

const COMMAND = `curl ${window.location.origin}/graphql -H "Authorization: Bearer $TOKEN" \\
  -F operations='${OPERATIONS}' \\
  -F map='{"0": ["variables.files.0"]}' -F 0=@chest.png`;

export function FirstSteps() {
  return (
    <section aria-labelledby="steps-heading" className="pt-4">
      <h2 className="h3" id="steps-heading">
        First steps
      </h2>
      <p className="measure">
        These pages cannot sign you up or take your images yet; the API does both.{" "}
        <a href="/graphql">GraphiQL</a> has a tab for each step, from the account to the retraining. Files go
        up by a command like this, with the token that signing in brings:
      </p>
      <pre className="command">
        <code>{COMMAND}</code>
      </pre>
    </section>
  );
}
