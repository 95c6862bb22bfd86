/** The perceptron as columns of neurons, few standing for many. */

interface Layer {
  x: number;
  neurons: number;
  name: string;
  size: string;
}

const LAYERS: Layer[] = [
  { x: 50, neurons: 8, name: "Features", size: "25,088" },
  { x: 165, neurons: 6, name: "Dense", size: "200" },
  { x: 270, neurons: 4, name: "Dense", size: "64" },
  { x: 370, neurons: 2, name: "Output", size: "2" },
];

const OUTPUTS = ["COVID", "no COVID"];
const CENTRE = 98;
const SPACING = 22;

interface Point {
  x: number;
  y: number;
}

function neuronsOf({ x, neurons }: Layer): Point[] {
  const spacing = neurons === OUTPUTS.length ? 2 * SPACING : SPACING;
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
  return (
    <svg viewBox="0 0 510 250" role="img" aria-labelledby="perceptron-title">
      <title id="perceptron-title">
        25,088 features lead to a layer of 200 neurons, then 64, then two outputs: COVID and no COVID.
      </title>
      <path className="connections" d={CONNECTIONS} />
      {COLUMNS.flat().map(({ x, y }) => (
        <circle className="neuron" cx={x} cy={y} r="7" key={`${x} ${y}`} />
      ))}
      {LAYERS.map(({ x, name, size }) => (
        <g key={x}>
          <text className="name" x={x} y="212">
            {name}
          </text>
          <text className="size" x={x} y="237">
            {size}
          </text>
        </g>
      ))}
      {OUTPUTS.map((output, index) => (
        <text className="output" x="386" y={CENTRE + 6 + (index - 0.5) * 2 * SPACING} key={output}>
          {output}
        </text>
      ))}
    </svg>
  );
}
