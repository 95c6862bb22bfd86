/** The bar on top of every page. */

export function Header() {
  return (
    <header className="border-bottom">
      <nav className="container d-flex align-items-center gap-3 py-2" aria-label="Main">
        <a className="brand me-auto" href="/">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          COVID-XR
        </a>
        <a className="nav-link px-2 py-2" href="/#news">
          News
        </a>
        <a className="btn btn-sm btn-outline-primary" href="/graphql">
          GraphiQL
        </a>
      </nav>
    </header>
  );
}
