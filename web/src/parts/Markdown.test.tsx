import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { Markdown } from "./Markdown";

const shown = (source: string) =>
  renderToStaticMarkup(<Markdown source={source} />).replace(/^<div class="markdown">|<\/div>$/g, "");

describe("Markdown", () => {
  it("shows what news are written with", () => {
    expect(shown("# Model 2\n\n- **better** and *new*\n- `AUC` 0.97")).toBe(
      "<h2>Model 2</h2><ul><li><strong>better</strong> and <em>new</em></li><li><code>AUC</code> 0.97</li></ul>",
    );
    expect(shown("| a | b |\n|---|---|\n| 1 | 2 |")).toContain("<td>2</td>");
  });

  it("keeps entities and angle brackets as they were written", () => {
    expect(shown("a < b & c")).toBe("<p>a &lt; b &amp; c</p>");
  });

  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    '<iframe src="https://evil.example"></iframe>',
    "<svg/onload=alert(1)>",
    "text <b onmouseover=alert(1)>b</b>",
  ])("makes no element of HTML: %s", (source) => {
    expect(shown(source)).not.toMatch(/<(script|img|a|iframe|svg|b)\b/);
  });

  it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example"])(
    "links to nothing dangerous: %s",
    (address) => {
      expect(shown(`[x](${address})`)).toBe("<p>x</p>");
      expect(shown(`![x](${address})`)).toBe("<p>x</p>");
    },
  );

  it("links to the web, to mail and to these pages", () => {
    expect(shown("[x](https://a.example)")).toContain('href="https://a.example"');
    expect(shown("[x](mailto:a@b.example)")).toContain('href="mailto:a@b.example"');
    expect(shown("[x](/news)")).toContain('href="/news"');
  });

  it("fetches no picture from elsewhere", () => {
    expect(shown("![a chest](https://a.example/x.png)")).not.toContain("<img");
  });
});
