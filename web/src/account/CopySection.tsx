/** A copy of all that is one's own. */

import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { here } from "../parts/here";
import { Card } from "../parts/Section";
import { ownAccount } from "../texts/ownAccount";
import { useText } from "../texts/useText";

const EXPORT = graphql(`mutation ExportAccount { exportAccount { url errors { code message path } } }`);

export function CopySection() {
  const { copy: text } = useText(ownAccount);
  const [ask] = useMutate(EXPORT);
  return (
    <Card title={text.title}>
      <Form
        action={text.action}
        send={() => ask({})}
        // A file to be kept: the page stays.
        done={({ url }) => url && window.location.assign(here(url))}
      >
        <p>{text.lead}</p>
      </Form>
    </Card>
  );
}
