/** Puts a version in service, or goes back to it, with a reason. */

import { useState } from "react";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { Dialog, ReasonField } from "./Dialog";

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
  const [isAsked, setAsked] = useState(false);
  const name = model.state === "RETIRED" ? text.rollBack : text.promote;
  return (
    <>
      <button type="button" className="btn btn-primary" onClick={() => setAsked(true)}>
        {name}
      </button>
      {isAsked && (
        <Dialog
          title={name}
          action={name}
          send={(value) => send({ input: { id: model.id, reason: value("reason") } })}
          done={() => toasts.show({ message: text.promoted(number(model.number)), tone: "done" })}
          close={() => setAsked(false)}
        >
          <p>{text.promoteLead(number(model.number))}</p>
          <ReasonField />
        </Dialog>
      )}
    </>
  );
}
