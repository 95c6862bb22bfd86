/** A radiograph to look at closely: zoom, contrast, brightness, inversion, and the heat of a prediction over it. */

import { useId, useState } from "react";
import { here } from "../parts/here";
import { examine } from "../texts/examine";
import { useText } from "../texts/useText";

interface Props {
  url: string;
  name: string;
  width: number;
  height: number;
  /** Where the model saw COVID; null where there is no such picture, and left out where nobody is to see it. */
  heatmapUrl?: string | null;
}

interface Look {
  zoom: number;
  contrast: number;
  brightness: number;
  isInverted: boolean;
  heat: number;
}

const PLAIN: Look = { zoom: 1, contrast: 1, brightness: 1, isInverted: false, heat: 0 };

export function ImageViewer({ url, name, width, height, heatmapUrl }: Props) {
  const text = useText(examine).one;
  const [look, setLook] = useState(PLAIN);
  const change = (part: Partial<Look>) => setLook((before) => ({ ...before, ...part }));
  const filter = `contrast(${look.contrast}) brightness(${look.brightness}) invert(${look.isInverted ? 1 : 0})`;
  return (
    <div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="viewer-picture" aria-label={text.scroll} tabIndex={0}>
        <div
          className="viewer-layers"
          style={{ width: `${100 * look.zoom}%`, maxWidth: widest(look.zoom, width, height) }}
        >
          <img src={here(url)} alt={text.pictureOf(name)} width={width} height={height} style={{ filter }} />
          {heatmapUrl && look.heat > 0 && <Heat url={heatmapUrl} opacity={look.heat} />}
        </div>
      </section>
      {/* On a small screen what is to be done with the image comes first. */}
      <details className="viewer-more" open={window.matchMedia("(min-width: 768px)").matches}>
        <summary>{text.tools}</summary>
        <fieldset className="viewer-tools">
          <legend className="visually-hidden">{text.tools}</legend>
          <Slider
            label={text.zoom}
            least={1}
            most={6}
            value={look.zoom}
            onChange={(zoom) => change({ zoom })}
          />
          <Slider
            label={text.contrast}
            least={0.5}
            most={3}
            value={look.contrast}
            onChange={(contrast) => change({ contrast })}
          />
          <Slider
            label={text.brightness}
            least={0.3}
            most={2}
            value={look.brightness}
            onChange={(brightness) => change({ brightness })}
          />
          {heatmapUrl && (
            <Slider
              label={text.heatmap}
              least={0}
              most={1}
              value={look.heat}
              onChange={(heat) => change({ heat })}
            />
          )}
          <div className="viewer-buttons d-flex flex-wrap gap-2">
            <button
              type="button"
              className="btn btn-sm btn-outline-primary"
              aria-pressed={look.isInverted}
              onClick={() => change({ isInverted: !look.isInverted })}
            >
              {text.invert}
            </button>
            <button type="button" className="btn btn-sm btn-outline-primary" onClick={() => setLook(PLAIN)}>
              {text.reset}
            </button>
          </div>
        </fieldset>
        {heatmapUrl && <p className="form-text mb-0">{text.heatmapHint}</p>}
        {heatmapUrl === null && <p className="form-text mb-0">{text.heatmapNone}</p>}
      </details>
    </div>
  );
}

/** Before it is zoomed, a tall picture is seen whole. */
function widest(zoom: number, width: number, height: number): string {
  return `${((75 * width) / height) * zoom}vh`;
}

function Heat({ url, opacity }: { url: string; opacity: number }) {
  const text = useText(examine).one;
  const [state, setState] = useState<"drawing" | "drawn" | "failed">("drawing");
  return (
    <>
      <img
        className="viewer-heat"
        src={here(url)}
        alt=""
        style={{ opacity: state === "drawn" ? opacity : 0 }}
        onLoad={() => setState("drawn")}
        onError={() => setState("failed")}
      />
      {state !== "drawn" && (
        <p className="viewer-note" role="status">
          {state === "drawing" ? text.heatmapDrawing : text.heatmapFailed}
        </p>
      )}
    </>
  );
}

interface SliderProps {
  label: string;
  least: number;
  most: number;
  value: number;
  onChange: (value: number) => void;
}

function Slider({ label, least, most, value, onChange }: SliderProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <input
        className="form-range"
        id={id}
        type="range"
        min={least}
        max={most}
        step={0.05}
        value={value}
        onChange={(event) => onChange(Number(event.target.value))}
      />
    </div>
  );
}
