// A file of a message: an image that the browser may draw, anything else by its name and size.

import { h, ICONS, icon, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./types.js").FilePart} FilePart */
/** @typedef {import("./types.js").Part} Part */

/** What is drawn as an image. Never an SVG: it is a document, with scripts and links of its own. */
const IMAGES = Object.freeze(["image/png", "image/jpeg", "image/gif", "image/webp"])

/** Characters that turn the text around them, so that a name would be read as another one. */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** @type {readonly [string, number][]} */
const UNITS = Object.freeze([
  ["megabyte", 1_000_000],
  ["kilobyte", 1_000],
  ["byte", 1],
])

/**
 * A size as people say it.
 *
 * @param {number} bytes
 * @param {string} language a BCP 47 tag; one that no browser knows falls back to its own
 */
export function sizeWords(bytes, language) {
  const [unit, length] = UNITS.find(([, least]) => bytes >= least) ?? ["byte", 1]
  const style = { style: /** @type {const} */ ("unit"), unit, maximumFractionDigits: 1 }
  const amount = bytes / length
  try {
    return new Intl.NumberFormat(language || undefined, style).format(amount)
  } catch {
    return new Intl.NumberFormat(undefined, style).format(amount)
  }
}

/**
 * A file's name as it can be shown, without what would make it look like another one.
 *
 * @param {string} name
 */
export function plainName(name) {
  return name.replace(TURNING, "")
}

/**
 * Where the file can be had; null where that is no address of the web, or not this site's.
 *
 * @param {string | null} url
 * @param {string} base the page's own
 */
export function fileAddress(url, base) {
  if (!url) return null
  try {
    const address = new URL(url, base)
    const isOurs = address.origin === new URL(base).origin
    return isOurs && /^https?:$/.test(address.protocol) ? address.href : null
  } catch {
    return null
  }
}

/**
 * @param {Words} words
 * @param {() => string} language
 */
export function fileView(words, language) {
  const element = h("div", { class: "file-part" })
  let drawn = ""
  return {
    element,
    /** @param {Part} part */
    update(part) {
      if (part.type !== "file") return
      const key = JSON.stringify(part)
      if (key === drawn) return
      drawn = key
      element.replaceChildren(fileElement(words, part, language()))
    },
  }
}

/**
 * @param {Words} words
 * @param {FilePart} part
 * @param {string} language
 */
function fileElement(words, part, language) {
  const address = fileAddress(part.url, document.baseURI)
  const isImage = address !== null && IMAGES.includes(part.mediaType)
  return isImage
    ? image(words, part, address, language)
    : chip(words, part, address, language)
}

/**
 * @param {Words} words
 * @param {FilePart} part
 * @param {string} address
 * @param {string} language
 */
function image(words, part, address, language) {
  const name = plainName(part.name)
  const drawn = h("img", {
    src: address,
    alt: name,
    loading: "lazy",
    decoding: "async",
  })
  const link = h("a", { class: "file-image", ...away(address), title: name }, drawn)
  // Whatever it says of itself: what is no image, or may not be loaded, is a file like others.
  drawn.addEventListener("error", () =>
    link.replaceWith(chip(words, part, address, language)),
  )
  return link
}

/**
 * @param {Words} words
 * @param {FilePart} part
 * @param {string | null} address
 * @param {string} language
 */
function chip(words, part, address, language) {
  const name = h("bdi", { class: "file-name" })
  setText(name, plainName(part.name) || words("file"))
  const about = address ? sizeWords(part.size, language) : words("fileGone")
  const inside = [
    icon(ICONS.file),
    h("span", { class: "file-words" }, name, h("span", { class: "file-size" }, about)),
  ]
  if (address === null)
    return h("span", { class: "file", "data-gone": true }, ...inside)
  return h("a", { class: "file", ...away(address) }, ...inside)
}

/** @param {string} href */
function away(href) {
  return { href, target: "_blank", rel: "noopener noreferrer" }
}
