/** What came through the contact form, the newest first. */

import { AdminPage } from "../../admin/AdminPage";
import { Pager, usePaging } from "../../admin/paging";
import { graphql, type ResultOf } from "../../graphql/graphql";
import { useQuery } from "../../graphql/useQuery";
import { QueryView } from "../../parts/QueryView";
import { admin } from "../../texts/admin";
import { messages as texts } from "../../texts/newsroom";
import { useFormat, useText } from "../../texts/useText";

const MESSAGES = graphql(`query ContactMessages($first: Int!, $after: String) {
  contactMessages(first: $first, after: $after) {
    nodes { id name email subject body receivedAt delivered }
    pageInfo { hasNextPage endCursor }
  }
}`);

type Message = ResultOf<typeof MESSAGES>["contactMessages"]["nodes"][number];

const PAGE = 20;

export function MessagesPage() {
  return (
    <AdminPage title={useText(admin).sections.messages.name}>
      <Messages />
    </AdminPage>
  );
}

function Messages() {
  const text = useText(texts);
  const paging = usePaging();
  const state = useQuery(MESSAGES, { first: PAGE, after: paging.after });
  return (
    <QueryView state={state} what={text.what}>
      {({ contactMessages: { nodes, pageInfo } }) => (
        <>
          {nodes.length === 0 && <p className="text-body-secondary">{text.none}</p>}
          {nodes.map((message) => (
            <OneMessage message={message} key={message.id} />
          ))}
          <Pager paging={paging} pageInfo={pageInfo} />
        </>
      )}
    </QueryView>
  );
}

function OneMessage({ message }: { message: Message }) {
  const text = useText(texts);
  const { moment } = useFormat();
  const { name, email, subject } = message;
  const answer = `mailto:${encodeURIComponent(email)}?subject=${encodeURIComponent(`Re: ${subject}`)}`;
  return (
    <article className="card mb-3 text-page">
      <div className="card-body">
        <h2 className="h6 mb-1">{subject}</h2>
        <p className="small text-body-secondary">
          {text.from(name)} ({email}) ·{" "}
          <time dateTime={message.receivedAt}>{moment(message.receivedAt)}</time> ·{" "}
          {message.delivered ? text.delivered : text.waiting}
        </p>
        <p className="message-body">{message.body}</p>
        <a className="btn btn-sm btn-outline-primary" href={answer} aria-label={`${text.answer}: ${name}`}>
          {text.answer}
        </a>
      </div>
    </article>
  );
}
