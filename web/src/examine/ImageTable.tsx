/** The images in a table: what they show, what is known of them, and what can be done with them. */

import { Fragment, useState } from "react";
import { Link } from "wouter";
import { FindingOf, TruthOf } from "../images/FindingBadge";
import { type ImageRow, pageOf } from "../images/imageRow";
import { here } from "../parts/here";
import { examine } from "../texts/examine";
import { useFormat, useText } from "../texts/useText";
import { ImageEditor } from "./ImageEditor";

interface Props {
  rows: ImageRow[];
  caption: string;
  changed: (row: ImageRow) => void;
  remove: (row: ImageRow) => void;
}

export function ImageTable({ rows, caption, changed, remove }: Props) {
  const text = useText(examine).table;
  const [edited, setEdited] = useState<string | null>(null);
  return (
    <table className="table image-table">
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{text.image}</th>
          <th scope="col" className="wide-only">
            {text.finding}
          </th>
          <th scope="col" className="wide-only">
            {text.truth}
          </th>
          <th scope="col">
            <span className="visually-hidden">{text.actions}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Fragment key={row.id}>
            <Row
              row={row}
              isEdited={edited === row.id}
              edit={() => setEdited(edited === row.id ? null : row.id)}
              remove={() => remove(row)}
            />
            {edited === row.id && (
              <tr>
                <td colSpan={4}>
                  <ImageEditor row={row} changed={changed} />
                </td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  row: ImageRow;
  isEdited: boolean;
  edit: () => void;
  remove: () => void;
}

function Row({ row, isEdited, edit, remove }: RowProps) {
  const text = useText(examine).table;
  const { moment } = useFormat();
  return (
    <tr>
      <td>
        <div className="image-cell">
          <img
            className="thumbnail"
            src={here(row.thumbnailUrl)}
            alt=""
            loading="lazy"
            width="64"
            height="64"
          />
          <div className="image-about">
            <Link href={pageOf(row.id)}>{row.filename}</Link>
            <div className="small text-body-secondary">
              <time dateTime={row.uploadedAt}>{moment(row.uploadedAt)}</time>
              {row.patientRef && ` · ${row.patientRef}`}
            </div>
            <div className="narrow-only">
              <FindingOf image={row} />
              <TruthOf image={row} />
            </div>
          </div>
        </div>
      </td>
      <td className="wide-only">
        <FindingOf image={row} />
      </td>
      <td className="wide-only">
        <TruthOf image={row} />
      </td>
      <td>
        <div className="row-buttons">
          <button
            type="button"
            className="btn btn-sm btn-outline-primary"
            aria-label={text.editOf(row.filename)}
            aria-expanded={isEdited}
            onClick={edit}
          >
            {text.edit}
          </button>
          <button
            type="button"
            className="btn btn-sm btn-outline-danger"
            aria-label={text.deleteOf(row.filename)}
            onClick={remove}
          >
            {text.delete}
          </button>
        </div>
      </td>
    </tr>
  );
}
