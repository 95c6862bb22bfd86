/** Numbers, shares, dates and lists as readers of a language write them. */

import type { Language } from "./language";

export interface Format {
  number(value: number): string;
  /** 0.912 as "91.2 %". */
  percent(share: number): string;
  /** "23 November 2026". */
  date(timestamp: string): string;
  /** "23 Nov", of a moment that begins a day in UTC. */
  day(timestamp: string): string;
  /** "23 Nov 2026, 09:15". */
  moment(timestamp: string): string;
  /** "A, B and C". */
  list(names: string[]): string;
  /** "3.4 MB", or "120 kB". */
  size(bytes: number): string;
}

/** British English: days before months, as most of the world and our Spanish have them. */
const LOCALES: Record<Language, string> = { en: "en-GB", es: "es-AR" };

function make(language: Language): Format {
  const locale = LOCALES[language];
  const number = new Intl.NumberFormat(locale);
  const share = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const moment = new Intl.DateTimeFormat(locale, {
    dateStyle: "medium",
    timeStyle: "short",
    hourCycle: "h23",
  });
  const list = new Intl.ListFormat(locale);
  return {
    number: (value) => number.format(value),
    // Never torn apart at the end of a line.
    percent: (value) => `${share.format(100 * value)}\u00a0%`,
    date: (timestamp) => date.format(new Date(timestamp)),
    day: (timestamp) => day.format(new Date(timestamp)),
    moment: (timestamp) => moment.format(new Date(timestamp)),
    list: (names) => list.format(names),
    size: (bytes) =>
      bytes < 2 ** 20
        ? `${number.format(Math.ceil(bytes / 2 ** 10))} kB`
        : `${share.format(bytes / 2 ** 20)} MB`,
  };
}

export const FORMATS: Record<Language, Format> = { en: make("en"), es: make("es") };
