/** The perceptron as columns of neurons, few standing for many. */

import { home } from "../texts/home";
import { useFormat, useText } from "../texts/useText";

interface Layer {
  x: number;
  neurons: number;
  name: "features" | "dense" | "output";
  size: number;
}

const LAYERS: Layer[] = [
  { x: 50, neurons: 8, name: "features", size: 25_088 },
  { x: 165, neurons: 6, name: "dense", size: 200 },
  { x: 270, neurons: 4, name: "dense", size: 64 },
  { x: 370, neurons: 2, name: "output", size: 2 },
];

const OUTPUTS = 2;
const CENTRE = 98;
const SPACING = 22;

interface Point {
  x: number;
  y: number;
}

function neuronsOf({ x, neurons }: Layer): Point[] {
  const spacing = neurons === OUTPUTS ? 2 * SPACING : SPACING;
  return Array.from({ length: neurons }, (_, index) => ({
    x,
    y: CENTRE + (index - (neurons - 1) / 2) * spacing,
  }));
}

const COLUMNS = LAYERS.map(neuronsOf);

/** Every connection between neighbouring columns, as one path. */
const CONNECTIONS = COLUMNS.slice(1)
  .flatMap((column, index) =>
    (COLUMNS[index] ?? []).flatMap((from) => column.map((to) => `M${from.x} ${from.y}L${to.x} ${to.y}`)),
  )
  .join("");

export function PerceptronDrawing() {
  const text = useText(home).perceptron;
  const format = useFormat();
  return (
    <svg viewBox="0 0 510 250" role="img" aria-labelledby="perceptron-title">
      <title id="perceptron-title">{text.title}</title>
      <path className="connections" d={CONNECTIONS} />
      {COLUMNS.flat().map(({ x, y }) => (
        <circle className="neuron" cx={x} cy={y} r="7" key={`${x} ${y}`} />
      ))}
      {LAYERS.map(({ x, name, size }) => (
        <g key={x}>
          <text className="name" x={x} y="212">
            {text[name]}
          </text>
          <text className="size" x={x} y="237">
            {format.number(size)}
          </text>
        </g>
      ))}
      {["COVID", text.negative].map((output, index) => (
        <text className="output" x="386" y={CENTRE + 6 + (index - 0.5) * 2 * SPACING} key={output}>
          {output}
        </text>
      ))}
    </svg>
  );
}
