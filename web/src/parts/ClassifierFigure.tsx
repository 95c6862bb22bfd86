/** The classifier, drawn: VGG16 makes features, the perceptron makes a probability. */

import { PerceptronDrawing } from "./PerceptronDrawing";
import { VggDrawing } from "./VggDrawing";

export function ClassifierFigure() {
  return (
    <div className="row g-4 align-items-stretch mt-1">
      <div className="col-lg-7">
        <figure className="drawing">
          <VggDrawing />
          <figcaption>
            VGG16: five blocks of convolutions, each half as wide and high as the one before
          </figcaption>
        </figure>
      </div>
      <div className="col-lg-5">
        <figure className="drawing">
          <PerceptronDrawing />
          <figcaption>The paper’s perceptron: 25,088 features to two outputs</figcaption>
        </figure>
      </div>
    </div>
  );
}
