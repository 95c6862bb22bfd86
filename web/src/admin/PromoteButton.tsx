/** Puts a version in service, or goes back to it, with a reason. */

import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { ActionButton } from "./ActionButton";
import { ReasonField } from "./Dialog";

const PROMOTE = graphql(`mutation PromoteModel($input: PromoteModelInput!) {
  promoteModel(input: $input) { model { id number state } errors { code message path } }
}`);

interface Props {
  model: { id: string; number: number; state: string };
}

export function PromoteButton({ model }: Props) {
  const text = useText(texts);
  const { number } = useFormat();
  const [send] = useMutate(PROMOTE);
  return (
    <ActionButton
      name={model.state === "RETIRED" ? text.rollBack : text.promote}
      look="btn-primary"
      send={(value) => send({ input: { id: model.id, reason: value("reason") } })}
      done={() => toasts.show({ message: text.promoted(number(model.number)), tone: "done" })}
    >
      <p>{text.promoteLead(number(model.number))}</p>
      <ReasonField />
    </ActionButton>
  );
}
