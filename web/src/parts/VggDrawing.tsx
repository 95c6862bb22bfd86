/** VGG16's convolutional part as a row of solids: as high as its maps, as thick as they are many. */

import { home } from "../texts/home";
import { useText } from "../texts/useText";

interface Block {
  label: "image" | "features" | number;
  /** Width and height of the maps, in pixels. */
  side: number;
  maps: number;
  /** Convolutions, drawn as as many slabs. */
  layers: number;
  kind: "image" | "convolution" | "features";
}

const BLOCKS: Block[] = [
  { label: "image", side: 224, maps: 3, layers: 1, kind: "image" },
  { label: 1, side: 224, maps: 64, layers: 2, kind: "convolution" },
  { label: 2, side: 112, maps: 128, layers: 2, kind: "convolution" },
  { label: 3, side: 56, maps: 256, layers: 3, kind: "convolution" },
  { label: 4, side: 28, maps: 512, layers: 3, kind: "convolution" },
  { label: 5, side: 14, maps: 512, layers: 3, kind: "convolution" },
  { label: "features", side: 7, maps: 512, layers: 1, kind: "features" },
];

const WIDTH = 600;
const HEIGHT = 265;
/** Room for the outer blocks' names, which are wider than the blocks. */
const MARGIN = 32;
const BASELINE = 190;
const SLAB_GAP = 3;

/** True proportions would leave the last maps too small to see: roots stand for them. */
const heightOf = (block: Block) => 9.5 * Math.sqrt(block.side);
const thicknessOf = (block: Block) => 2 + 0.55 * Math.sqrt(block.maps);
const depthOf = (block: Block) => 0.22 * heightOf(block);
const widthOf = (block: Block) => block.layers * (thicknessOf(block) + SLAB_GAP) - SLAB_GAP + depthOf(block);

/** The left edge of every block, with the room that is left shared out between them. */
function leftEdges(): number[] {
  const used = BLOCKS.reduce((sum, block) => sum + widthOf(block), 0);
  const gap = (WIDTH - used - 2 * MARGIN) / (BLOCKS.length - 1);
  let x = MARGIN;
  return BLOCKS.map((block) => {
    const left = x;
    x += widthOf(block) + gap;
    return left;
  });
}

export function VggDrawing() {
  const text = useText(home).vgg;
  const edges = leftEdges();
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby="vgg-title">
      <title id="vgg-title">{text.title}</title>
      {BLOCKS.map((block, index) => (
        <BlockDrawing block={block} left={edges[index] ?? 0} key={block.label} />
      ))}
    </svg>
  );
}

function BlockDrawing({ block, left }: { block: Block; left: number }) {
  const text = useText(home).vgg;
  const middle = left + widthOf(block) / 2;
  const slabs = Array.from(
    { length: block.layers },
    (_, layer) => left + layer * (thicknessOf(block) + SLAB_GAP),
  );
  return (
    <g className={block.kind}>
      {slabs.map((x) => (
        <Slab x={x} block={block} key={x} />
      ))}
      <text className="name" x={middle} y={BASELINE + 22}>
        {typeof block.label === "number" ? block.label : text[block.label]}
      </text>
      <text className="size" x={middle} y={BASELINE + 44}>
        {block.side}²
      </text>
      <text className="size" x={middle} y={BASELINE + 66}>
        ×{block.maps}
      </text>
    </g>
  );
}

/** A front face, and the top and the right side that give it depth. */
function Slab({ x, block }: { x: number; block: Block }) {
  const height = heightOf(block);
  const right = x + thicknessOf(block);
  const depth = depthOf(block);
  const top = BASELINE - height;
  return (
    <>
      <path className="top" d={`M${x} ${top}l${depth} ${-depth}H${right + depth}l${-depth} ${depth}z`} />
      <path className="side" d={`M${right} ${top}l${depth} ${-depth}v${height}l${-depth} ${depth}z`} />
      <rect className="front" x={x} y={top} width={right - x} height={height} />
    </>
  );
}
