/** Differences with their sign, in the reader's language. */

import { useFormat } from "../texts/useText";

export function useSigned(): (value: number) => string {
  const { number } = useFormat();
  return (value) => {
    const size = number(Math.abs(value));
    if (size === "0") return size;
    return `${value < 0 ? "−" : "+"}${size}`;
  };
}
