/** What is shown when a page cannot be fetched or breaks: a way on in place of a blank screen. */

import { Component, type ReactNode } from "react";
import { common } from "../texts/common";
import { useText } from "../texts/useText";

interface State {
  hasFailed: boolean;
}

export class PageFailure extends Component<{ children: ReactNode }, State> {
  override state: State = { hasFailed: false };

  static getDerivedStateFromError(): State {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Note /> : this.props.children;
  }
}

function Note() {
  const text = useText(common);
  return (
    <div className="container narrow py-5">
      <div className="alert alert-danger" role="alert">
        <p className="mb-2">{text.couldNotLoad(text.page)}</p>
        <button
          type="button"
          className="btn btn-sm btn-outline-danger"
          onClick={() => window.location.reload()}
        >
          {text.tryAgain}
        </button>
      </div>
    </div>
  );
}
