/** A square from 0 to 100 % both ways, with its diagonal. What it shows is told in words to those who cannot see it. */

import type { ReactNode } from "react";
import { useFormat } from "../texts/useText";
import { scale } from "./curve";

interface Props {
  /** What it shows, for screen readers. */
  words: string;
  /** What lies to the right, and upwards. */
  across: string;
  up: string;
  /** What is drawn, given where shares lie. */
  children: (x: (share: number) => number, y: (share: number) => number) => ReactNode;
}

const SIZE = 360;
const LEFT = 62;
const RIGHT = 18;
const TOP = 12;
const BOTTOM = 56;
const MARKS = [0, 0.25, 0.5, 0.75, 1];

export function SharePlot({ words, across, up, children }: Props) {
  const { number } = useFormat();
  const x = scale(0, 1, LEFT, SIZE - RIGHT);
  const y = scale(0, 1, SIZE - BOTTOM, TOP);
  return (
    <svg className="chart share-plot" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={words}>
      {MARKS.map((mark) => (
        <g key={mark}>
          <line className="chart-grid" x1={x(0)} x2={x(1)} y1={y(mark)} y2={y(mark)} />
          <line className="chart-grid" x1={x(mark)} x2={x(mark)} y1={y(0)} y2={y(1)} />
          <text className="chart-y" x={LEFT - 8} y={y(mark) + 4}>
            {number(100 * mark)}
          </text>
          <text className="chart-x" x={x(mark)} y={y(0) + 20}>
            {number(100 * mark)}
          </text>
        </g>
      ))}
      <text className="chart-x" x={x(0.5)} y={SIZE - 8}>
        {across}
      </text>
      <text className="chart-x" transform={`translate(18 ${y(0.5)}) rotate(-90)`}>
        {up}
      </text>
      <line className="chart-reference" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
      {children(x, y)}
    </svg>
  );
}
