// When something was, as people say it.

/** @type {readonly [Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = Object.freeze([
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
])

/**
 * When it was, as people say it: "2 hours ago", a date when it is long ago.
 *
 * @param {Date} moment
 * @param {Date} now
 * @param {string} language
 */
export function sinceWords(moment, now, language) {
  const seconds = (moment.getTime() - now.getTime()) / 1000
  if (!Number.isFinite(seconds)) return ""
  const format = formatFor(language)
  if (seconds < -7 * 86_400) return format.date.format(moment)
  for (const [unit, length] of UNITS) {
    if (-seconds >= length)
      return format.since.format(Math.round(seconds / length), unit)
  }
  return format.since.format(0, "second")
}

/** @param {string} language one that no browser knows falls back to its own */
function formatFor(language) {
  const known = isLanguage(language) ? language : undefined
  return {
    date: new Intl.DateTimeFormat(known, { dateStyle: "medium" }),
    since: new Intl.RelativeTimeFormat(known, { numeric: "auto" }),
  }
}

/** @param {string} language */
function isLanguage(language) {
  try {
    return Intl.getCanonicalLocales(language).length > 0
  } catch {
    return false
  }
}
