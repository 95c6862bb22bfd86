/** What a browser is called, and what it runs on, by what it calls itself. */

/** The first that fits: others name themselves after those further down, too. */
const BROWSERS: [RegExp, string][] = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/(?:Firefox|FxiOS)\//, "Firefox"],
  [/(?:Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

const LONGEST = 40;

export interface BrowserName {
  browser: string;
  system: string | null;
}

/** Programs that are no browser have their own word for themselves, cut short. */
export function browserName(client: string): BrowserName {
  const find = (known: [RegExp, string][]) => known.find(([pattern]) => pattern.test(client))?.[1] ?? null;
  const browser = find(BROWSERS);
  return browser ? { browser, system: find(SYSTEMS) } : { browser: client.slice(0, LONGEST), system: null };
}
