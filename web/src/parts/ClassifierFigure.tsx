/** The classifier, drawn: VGG16 makes features, the perceptron makes a probability. */

import { home } from "../texts/home";
import { useText } from "../texts/useText";
import { PerceptronDrawing } from "./PerceptronDrawing";
import { VggDrawing } from "./VggDrawing";

export function ClassifierFigure() {
  const text = useText(home);
  return (
    <div className="row g-4 align-items-stretch mt-1">
      <div className="col-lg-7">
        <figure className="drawing">
          <VggDrawing />
          <figcaption>{text.vgg.caption}</figcaption>
        </figure>
      </div>
      <div className="col-lg-5">
        <figure className="drawing">
          <PerceptronDrawing />
          <figcaption>{text.perceptron.caption}</figcaption>
        </figure>
      </div>
    </div>
  );
}
