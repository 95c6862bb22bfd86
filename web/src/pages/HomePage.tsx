/** The start: what COVID-XR is, how its classifier works, the model in service and the news. */

import { ClassifierFigure } from "../parts/ClassifierFigure";
import { FirstSteps } from "../parts/FirstSteps";
import { LatestNews } from "../parts/LatestNews";
import { ModelInService } from "../parts/ModelInService";
import { ResearchWarning } from "../parts/ResearchWarning";

export function HomePage() {
  return (
    <>
      <div className="hero">
        <div className="container py-5">
          <h1 className="display-5 fw-semibold">COVID-19 findings on chest X-rays</h1>
          <p className="lead measure">
            Upload a chest X-ray, hear what the classifier finds in it, and add the ground truth when you know
            it. The classifier learns from that. A new version goes into service only when a comparison finds
            it no worse, within stated margins.
          </p>
          <p className="d-flex flex-wrap gap-2 mb-4">
            <a className="btn btn-primary" href="/graphql">
              Open GraphiQL
            </a>
            <a className="btn btn-outline-primary" href="/graphql#docs">
              Read the API’s documentation
            </a>
          </p>
          <ResearchWarning />
        </div>
      </div>
      <div className="container">
        <FirstSteps />
        <HowItWorks />
        <div className="row g-4 mt-2">
          <div className="col-lg-7">
            <ModelInService />
          </div>
          <div className="col-lg-5">
            <LatestNews />
          </div>
        </div>
      </div>
    </>
  );
}

function HowItWorks() {
  return (
    <section aria-labelledby="how-heading" className="pt-4">
      <h2 className="h3" id="how-heading">
        How the classifier works
      </h2>
      <p className="measure">
        VGG16, a convolutional network trained on the photographs of ImageNet, turns the X-ray into 25,088
        features: edges first, then textures, then shapes. A small head, trained on X-rays alone, turns these
        into the probability of COVID; the paper’s is the perceptron drawn here. Retraining changes only the
        head. It learns from features that were kept at upload, in a process of its own, and serving goes on
        meanwhile.
      </p>
      <ClassifierFigure />
      <div className="row g-4 mt-1">
        <Point title="Your ground truth counts">
          Say what the RT-PCR or the radiologist found. Every label is kept with its evidence, and tells which
          models learned from it.
        </Point>
        <Point title="A new model is judged first">
          It is compared with the one in service on images that are kept out of all training, and may not do
          worse by more than a stated margin. The verdict is kept, and an administrator can go back.
        </Point>
        <Point title="Your images stay yours">
          You and the administrators see them, and nobody else. Deleting one removes its pixels and its
          features; what a model has learned from it stays.
        </Point>
      </div>
    </section>
  );
}

function Point({ title, children }: { title: string; children: string }) {
  return (
    <div className="col-md-4">
      <h3 className="h6">{title}</h3>
      <p className="mb-0">{children}</p>
    </div>
  );
}
