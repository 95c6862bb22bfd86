/** The policy of retraining: the form that changes it, and who changed what before. */

import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { useQuery } from "../graphql/useQuery";
import { QueryView } from "../parts/QueryView";
import { Section } from "../parts/Section";
import { common } from "../texts/common";
import { retraining as texts } from "../texts/retraining";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { Pager, usePaging } from "./paging";
import { changesOf, differences, POLICY_FIELDS, type Policy } from "./policyForm";

const POLICY = graphql(`query RetrainingPolicy {
  retrainingPolicy {
    id threshold minutesBetween labelsPerClass sharePerUser sensitivityMargin specificityMargin aucMargin
  }
}`);

const HISTORY = graphql(`query RetrainingPolicies($first: Int!, $after: String) {
  retrainingPolicies(first: $first, after: $after) {
    nodes {
      id changedAt changedBy { name }
      threshold minutesBetween labelsPerClass sharePerUser sensitivityMargin specificityMargin aucMargin
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

const SET = graphql(`mutation SetRetrainingPolicy($input: SetRetrainingPolicyInput!) {
  setRetrainingPolicy(input: $input) { policy { id } errors { code message path } }
}`);

const PAGE = 10;
const RENEWED = { additionalTypenames: ["RetrainingPolicy"] };

export function PolicySection() {
  const text = useText(texts);
  const state = useQuery(POLICY, {});
  return (
    <Section title={text.policy} className="pt-4">
      <QueryView state={state} what={text.policyWhat}>
        {({ retrainingPolicy }) => <PolicyForm policy={retrainingPolicy} key={retrainingPolicy.id} />}
      </QueryView>
      <h3 className="h6 pt-4">{text.history}</h3>
      <History />
    </Section>
  );
}

function PolicyForm({ policy }: { policy: Policy }) {
  const text = useText(texts);
  const { number } = useFormat();
  const [send] = useMutate(SET);
  return (
    <Form
      action={useText(common).save}
      send={async (value) => {
        const { changes, problems } = changesOf(policy, value);
        if (problems.length > 0) return { status: "refused", problems };
        return send({ input: changes });
      }}
      done={() => toasts.show({ message: text.policySaved, tone: "done" })}
    >
      <div className="policy-fields">
        {POLICY_FIELDS.map(({ name, isCount }) => (
          <Field
            name={name}
            label={text.fields[name]}
            hint={text.hints[name]}
            inputMode={isCount ? "numeric" : "decimal"}
            defaultValue={isCount ? String(policy[name]) : number(policy[name])}
            autoComplete="off"
            key={name}
          />
        ))}
      </div>
    </Form>
  );
}

function History() {
  const text = useText(texts);
  const { moment } = useFormat();
  const paging = usePaging();
  const state = useQuery(HISTORY, { first: PAGE, after: paging.after }, RENEWED);
  return (
    <QueryView state={state} what={text.historyWhat}>
      {({ retrainingPolicies: { nodes, pageInfo } }) => (
        <>
          {nodes.length === 0 && <p className="text-body-secondary">{text.noHistory}</p>}
          <ol className="list-unstyled">
            {nodes.map((policy, place) => (
              <li className="mb-2" key={policy.id}>
                {policy.changedAt && <time dateTime={policy.changedAt}>{moment(policy.changedAt)}</time>}{" "}
                {policy.changedBy && text.changedBy(policy.changedBy.name)}
                <Changes policy={policy} before={nodes[place + 1]} />
              </li>
            ))}
          </ol>
          <Pager paging={paging} pageInfo={pageInfo} />
        </>
      )}
    </QueryView>
  );
}

function Changes({ policy, before }: { policy: Policy; before: Policy | undefined }) {
  const text = useText(texts);
  const { number } = useFormat();
  const fields = before ? differences(policy, before) : POLICY_FIELDS.map(({ name }) => name);
  return (
    <ul className="small mb-0">
      {fields.map((name) => (
        <li key={name}>
          {before
            ? text.change(text.fields[name], number(before[name]), number(policy[name]))
            : text.first(text.fields[name], number(policy[name]))}
        </li>
      ))}
    </ul>
  );
}
