/** A line through values, with round numbers at its sides. What it shows is told in words to those who cannot see it. */

import { scale, ticks } from "./curve";

export interface Point {
  x: number;
  /** Null where there is none: the line has a gap. */
  y: number | null;
}

interface Props {
  points: readonly Point[];
  from: number;
  to: number;
  /** What it shows, for screen readers. */
  words: string;
  xWords: (x: number) => string;
  yWords: (y: number) => string;
  /** Where on the horizontal axis words stand. */
  xTicks: readonly number[];
  /** A value to compare with, as a dashed line. */
  reference?: number | null;
  /** Values that are always in view. */
  yAlways?: readonly number[];
}

const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 70;
const RIGHT = 34;
const TOP = 12;
const BOTTOM = 30;

export function LineChart({
  points,
  from,
  to,
  words,
  xWords,
  yWords,
  xTicks,
  reference = null,
  yAlways = [0],
}: Props) {
  const known = points.filter((point): point is { x: number; y: number } => point.y !== null);
  const values = [...known.map(({ y }) => y), ...yAlways, ...(reference === null ? [] : [reference])];
  const marks = ticks(Math.min(...values), Math.max(...values), 4);
  const x = scale(from, to, LEFT, WIDTH - RIGHT);
  const y = scale(marks[0] ?? 0, marks.at(-1) ?? 1, HEIGHT - BOTTOM, TOP);
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
      {marks.map((mark) => (
        <g key={mark}>
          <line className="chart-grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(mark)} y2={y(mark)} />
          <text className="chart-y" x={LEFT - 8} y={y(mark) + 4}>
            {yWords(mark)}
          </text>
        </g>
      ))}
      {xTicks.map((mark) => (
        <text className="chart-x" x={x(mark)} y={HEIGHT - 8} key={mark}>
          {xWords(mark)}
        </text>
      ))}
      {reference !== null && (
        <line className="chart-reference" x1={LEFT} x2={WIDTH - RIGHT} y1={y(reference)} y2={y(reference)} />
      )}
      <path className="chart-line" d={pathOf(points, x, y)} />
      {known.map((point) => (
        <circle className="chart-point" cx={x(point.x)} cy={y(point.y)} r="3" key={point.x} />
      ))}
    </svg>
  );
}

/** A line from value to value, broken where there is none. */
export function pathOf(
  points: readonly Point[],
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  return points
    .map((point, place) => {
      if (point.y === null) return "";
      const isBegun = place > 0 && points[place - 1]?.y !== null;
      return `${isBegun ? "L" : "M"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`;
    })
    .join("");
}
