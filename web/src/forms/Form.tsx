/** A form that sends a mutation: problems appear at their fields, and the first of them gets the focus. */

import {
  createContext,
  type FormEvent,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";
import type { Outcome, Problem } from "../graphql/useMutate";
import { FailureNote } from "../parts/FailureNote";
import { common } from "../texts/common";
import { useProblemWords } from "../texts/useProblems";
import { useText } from "../texts/useText";

interface Props<Payload> {
  /** Sends what the fields hold, by their names, which are those of the mutation's input. */
  send: (values: Values) => Promise<Outcome<Payload>>;
  done: (payload: Payload) => void;
  /** The words on the button. */
  action: string;
  /** What else stands beside the button. */
  beside?: ReactNode;
  children: ReactNode;
}

/** What the fields hold; a field that is not there is empty. */
export type Values = (name: string) => string;

const ProblemsContext = createContext<readonly Problem[]>([]);

/** What stands in the way at a field, in words. */
export function useFieldProblems(name: string): string[] {
  const inWords = useProblemWords();
  return useContext(ProblemsContext)
    .filter((problem) => fieldOf(problem) === name)
    .map(inWords);
}

function fieldOf({ path }: Problem): string | undefined {
  return path?.[0] === "input" ? path[1] : undefined;
}

export function Form<Payload>({ send, done, action, beside, children }: Props<Payload>) {
  const text = useText(common);
  const form = useRef<HTMLFormElement>(null);
  const [outcome, setOutcome] = useState<Outcome<Payload> | { status: "open" | "sent" }>({ status: "open" });
  const isSent = outcome.status === "sent";

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!form.current || isSent) return;
    const held = new FormData(form.current);
    setOutcome({ status: "sent" });
    const answer = await send((name) => String(held.get(name) ?? ""));
    setOutcome(answer);
    if (answer.status === "done") done(answer.payload);
  };

  useEffect(() => {
    if (outcome.status === "refused")
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [outcome]);

  const problems = outcome.status === "refused" ? outcome.problems : [];
  return (
    <ProblemsContext value={problems}>
      <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
        <GeneralProblems problems={problems} />
        {outcome.status === "failed" && <FailureNote failure={outcome.failure} />}
        {children}
        <div className="d-flex flex-wrap align-items-center gap-3">
          <button type="submit" className="btn btn-primary" disabled={isSent}>
            {isSent ? text.wait : action}
          </button>
          {beside}
        </div>
      </form>
    </ProblemsContext>
  );
}

/** Problems of no one field; where there are others alone, that something below needs another look. */
function GeneralProblems({ problems }: { problems: readonly Problem[] }) {
  const text = useText(common);
  const inWords = useProblemWords();
  if (problems.length === 0) return null;
  const general = problems.filter((problem) => fieldOf(problem) === undefined).map(inWords);
  return (
    <div className="alert alert-danger" role="alert">
      {(general.length > 0 ? general : [text.checkFields]).map((words) => (
        <p className="mb-0" key={words}>
          {words}
        </p>
      ))}
    </div>
  );
}
