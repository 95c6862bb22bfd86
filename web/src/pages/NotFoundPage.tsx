/** What an address without a page shows. */

import { Link } from "wouter";
import { Page } from "../layout/Page";
import { news } from "../texts/news";
import { useText } from "../texts/useText";

export function NotFoundPage() {
  const text = useText(news);
  return (
    <Page title={text.missing} width="narrow">
      <p>
        <Link href="/">{text.toStart}</Link>
      </p>
    </Page>
  );
}
