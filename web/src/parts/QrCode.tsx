/** A text as a QR code, black on white whatever the colours around it: cameras want it so. */

import { generate } from "lean-qr";
import { useMemo } from "react";

/** Of white around it, in squares, as the standard asks for. */
const MARGIN = 4;

export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, squares } = useMemo(() => drawn(text), [text]);
  const width = size + 2 * MARGIN;
  return (
    <svg
      viewBox={`${-MARGIN} ${-MARGIN} ${width} ${width}`}
      width="220"
      height="220"
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <rect x={-MARGIN} y={-MARGIN} width={width} height={width} fill="#fff" />
      <path d={squares} fill="#000" />
    </svg>
  );
}

function drawn(text: string) {
  const code = generate(text);
  const places = Array.from({ length: code.size * code.size }, (_, place) => [
    place % code.size,
    Math.floor(place / code.size),
  ]) as [number, number][];
  const dark = places.filter(([x, y]) => code.get(x, y));
  return { size: code.size, squares: dark.map(([x, y]) => `M${x} ${y}h1v1h-1z`).join("") };
}
