/** What an address without a page shows. */

export function NotFoundPage() {
  return (
    <div className="container narrow py-5">
      <h1>There is no such page</h1>
      <p>
        <a href="/">Back to the start</a>
      </p>
    </div>
  );
}
