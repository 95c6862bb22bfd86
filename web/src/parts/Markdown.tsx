/**
 * Markdown as elements of React. No HTML is ever made from the text, so there is nothing to sanitise: what looks like
 * HTML is shown as it stands. Addresses are those of the web and of mail, and pictures from elsewhere are links.
 */

import { lexer, type Token, type Tokens } from "marked";
import { Fragment, type ReactNode } from "react";
import { safeAddress } from "./safeAddress";

/** The headings of a text lie below the title of its page. */
const HEADINGS = ["h2", "h3", "h4", "h5", "h6", "h6"] as const;

export function Markdown({ source }: { source: string }) {
  return <div className="markdown">{all(lexer(source))}</div>;
}

function all(tokens: Token[] | undefined): ReactNode {
  return tokens?.map((token, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the text does not change its order
    <Fragment key={place}>{one(token as Tokens.Generic)}</Fragment>
  ));
}

function one(token: Tokens.Generic): ReactNode {
  switch (token.type) {
    case "heading": {
      const Heading = HEADINGS[Math.min(token.depth, HEADINGS.length) - 1] ?? "h6";
      return <Heading>{all(token.tokens)}</Heading>;
    }
    case "paragraph":
      return <p>{all(token.tokens)}</p>;
    case "blockquote":
      return <blockquote>{all(token.tokens)}</blockquote>;
    case "list":
      return token.ordered ? (
        <ol start={Number(token.start) || 1}>{all(token.items)}</ol>
      ) : (
        <ul>{all(token.items)}</ul>
      );
    case "list_item":
      return <li>{all(token.tokens)}</li>;
    case "code":
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case "codespan":
      return <code>{token.text}</code>;
    case "strong":
      return <strong>{all(token.tokens)}</strong>;
    case "em":
      return <em>{all(token.tokens)}</em>;
    case "del":
      return <del>{all(token.tokens)}</del>;
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "space":
    case "checkbox":
    case "def":
      return null;
    case "link":
      return <Reference address={token.href}>{all(token.tokens)}</Reference>;
    case "image":
      return <Reference address={token.href}>{token.text || token.href}</Reference>;
    case "table":
      return <Table table={token as unknown as Tokens.Table} />;
    case "escape":
      return token.text;
    case "text":
      return token.tokens ? all(token.tokens) : token.text;
    default:
      return token.raw;
  }
}

function Reference({ address, children }: { address: string; children: ReactNode }) {
  const safe = safeAddress(address);
  return safe ? (
    <a href={safe} rel="noopener noreferrer">
      {children}
    </a>
  ) : (
    children
  );
}

function Table({ table }: { table: Tokens.Table }) {
  return (
    <div className="table-responsive">
      <table className="table">
        <thead>
          <tr>
            {table.header.map((cell, column) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns do not change their order
              <th scope="col" key={column}>
                {all(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows do not change their order
            <tr key={place}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns do not change their order
                <td key={column}>{all(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
