/** The start: what COVID-XR is, how its classifier works, the model in service and the news. */

import { Link } from "wouter";
import { useHeading } from "../layout/Page";
import { ClassifierFigure } from "../parts/ClassifierFigure";
import { LatestNews } from "../parts/LatestNews";
import { ModelInService } from "../parts/ModelInService";
import { ResearchWarning } from "../parts/ResearchWarning";
import { Section } from "../parts/Section";
import { useSession } from "../session/useSession";
import { home } from "../texts/home";
import { useText } from "../texts/useText";

export function HomePage() {
  return (
    <>
      <Hero />
      <div className="container">
        <FirstSteps />
        <HowItWorks />
        <div className="row g-4 mt-2">
          <div className="col-xl-7">
            <ModelInService />
          </div>
          <div className="col-xl-5">
            <LatestNews />
          </div>
        </div>
      </div>
    </>
  );
}

function Hero() {
  const text = useText(home);
  const { mark } = useSession();
  const heading = useHeading("COVID-XR");
  return (
    <div className="hero">
      <div className="container py-5">
        <h1 className="display-5 fw-semibold" ref={heading} tabIndex={-1}>
          {text.title}
        </h1>
        <p className="lead measure">{text.lead}</p>
        <p className="d-flex flex-wrap gap-2 mb-4">
          <Link className="btn btn-primary" href="/examine">
            {text.examine}
          </Link>
          {!mark && (
            <Link className="btn btn-outline-primary" href="/sign-up">
              {text.start}
            </Link>
          )}
        </p>
        <ResearchWarning />
      </div>
    </div>
  );
}

function FirstSteps() {
  const text = useText(home);
  return (
    <Section title={text.steps} className="pt-4" heading="h3">
      <ol className="measure">
        <li>{text.step1}</li>
        <li>{text.step2}</li>
        <li>{text.step3}</li>
      </ol>
      <p className="measure">
        {text.programs} <a href="/graphql#docs">{text.api}</a>
      </p>
    </Section>
  );
}

function HowItWorks() {
  const text = useText(home);
  return (
    <Section title={text.how} className="pt-4" heading="h3">
      <p className="measure">{text.howLead}</p>
      <ClassifierFigure />
      <div className="row g-4 mt-1">
        <Point title={text.countsTitle}>{text.counts}</Point>
        <Point title={text.judgedTitle}>{text.judged}</Point>
        <Point title={text.yoursTitle}>{text.yours}</Point>
      </div>
    </Section>
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
