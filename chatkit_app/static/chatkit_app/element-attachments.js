// Files beside the field: a button, paste and drop, how far each is, and away with it.

import { h, ICONS, icon, KeyedChildren, setAttribute, setText } from "./element-dom.js"
import { plainName, sizeWords } from "./element-files.js"
import { errorWords, readList } from "./element-strings.js"
import { Uploads } from "./uploads.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./uploads.js").Upload} Upload */
/** @typedef {import("./uploads.js").Limits} Limits */

const MAX_BYTES = 10_000_000
const MAX_FILES = 10

/**
 * @typedef {object} AttachmentsHost
 * @property {() => Promise<unknown>} ready when it is known who uploads
 * @property {() => void} changed
 * @property {() => void} focus the field
 * @property {() => string} language
 */

/**
 * What the page says of files, in its element's attributes; null where its assistant takes none.
 *
 * @param {HTMLElement} owner
 * @returns {Limits | null}
 */
export function limitsOf(owner) {
  const types = readList(owner.getAttribute("attachments"))
  if (types.length === 0) return null
  return {
    types,
    maxBytes: Number(owner.getAttribute("attachment-bytes")) || MAX_BYTES,
    maxFiles: Number(owner.getAttribute("attachment-count")) || MAX_FILES,
  }
}

export class AttachmentsView {
  #words
  #host
  #input
  #told = h("p", { class: "unseen", role: "status" })
  #items
  /** @type {Map<string, string>} the states that were told of */
  #states = new Map()

  /**
   * @param {Words} words
   * @param {HTMLElement} owner files may be dropped anywhere on it
   * @param {Limits} limits
   * @param {AttachmentsHost} host
   */
  constructor(words, owner, limits, host) {
    this.#words = words
    this.#host = host
    const url = owner.getAttribute("url") || "/chatkit/"
    const mount = new URL(url.endsWith("/") ? url : `${url}/`, document.baseURI)
    this.uploads = new Uploads(limits, {
      address: new URL("api/attachments/", mount).href,
      csrfToken: owner.getAttribute("csrf-token") ?? "",
      ready: () => this.#host.ready(),
    })
    this.#input = h("input", {
      type: "file",
      multiple: true,
      hidden: true,
      accept: limits.types.join(","),
      onchange: () => this.#chosen(),
    })
    this.button = h(
      "button",
      { type: "button", class: "round attach", title: words("attach") },
      icon(ICONS.attach),
    )
    this.button.setAttribute("aria-label", words("attach"))
    this.button.addEventListener("click", () => this.#input.click())
    const list = h("ul", { class: "uploads" })
    list.setAttribute("aria-label", words("attachments"))
    this.#items = new KeyedChildren(list, (/** @type {Upload} */ { key }) =>
      itemView(words, () => this.#remove(key), host.language),
    )
    this.element = h("div", { class: "attachments" }, list, this.#told, this.#input)
    this.uploads.addEventListener("change", () => this.#render())
    this.#listen(owner, words("dropFiles"))
    this.#render()
  }

  /** Why nothing can be sent yet; null where nothing keeps it. @returns {string | null} */
  get obstacle() {
    if (this.uploads.isUploading) return this.#words("stillUploading")
    return this.uploads.hasFailed ? this.#words("uploadsFailed") : null
  }

  get isEmpty() {
    return this.uploads.list.length === 0
  }

  /**
   * Files that are pasted; a text that is pasted along with its picture stays a text.
   *
   * @param {ClipboardEvent} event
   */
  paste(event) {
    const pasted = event.clipboardData
    if (!pasted?.files.length || pasted.types.includes("text/plain")) return
    event.preventDefault()
    this.#host.focus()
    this.uploads.add(pasted.files)
  }

  #chosen() {
    this.uploads.add([...(this.#input.files ?? [])])
    this.#input.value = "" // so that the same file can be chosen again
    this.#host.focus()
  }

  /** @param {HTMLElement} owner @param {string} words */
  #listen(owner, words) {
    const drop = h("p", { class: "drop", hidden: true }, words)
    drop.setAttribute("aria-hidden", "true")
    this.element.prepend(drop)
    const show = (/** @type {boolean} */ isOver) => {
      drop.hidden = !isOver
    }
    owner.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      show(true)
    })
    owner.addEventListener("dragleave", (event) => {
      const to = event.relatedTarget
      if (!(to instanceof Node && owner.contains(to))) show(false)
    })
    owner.addEventListener("drop", (event) => {
      show(false)
      if (!hasFiles(event)) return
      event.preventDefault() // or the browser leaves the page for the file
      this.#host.focus()
      this.uploads.add(event.dataTransfer?.files ?? [])
    })
  }

  /** @param {string} key */
  #remove(key) {
    const at = this.uploads.list.findIndex((upload) => upload.key === key)
    this.uploads.remove(key)
    // The button that had the focus is gone: its neighbour has it now, or the field.
    const left = this.element.querySelectorAll("li button")
    const next = left[Math.min(at, left.length - 1)]
    if (next instanceof HTMLElement) next.focus()
    else this.#host.focus()
  }

  #render() {
    const { list } = this.uploads
    this.#items.render(
      list,
      ({ key }) => key,
      (view, upload) => view.update(upload),
    )
    this.#tell(list)
    this.#host.changed()
  }

  /** Each end is said once. @param {readonly Upload[]} list */
  #tell(list) {
    const said = list
      .filter(({ key, state }) => this.#states.get(key) !== state)
      .flatMap((upload) => toldOf(this.#words, upload) ?? [])
    this.#states = new Map(list.map(({ key, state }) => [key, state]))
    if (said.length > 0) setText(this.#told, said.join(" "))
  }
}

/**
 * @param {Words} words
 * @param {Upload} upload
 */
function toldOf(words, { state, name, error }) {
  if (state === "done") return words("uploaded", { name: plainName(name) })
  if (state === "uploading") return null
  return `${plainName(name)}: ${errorWords(words, error?.code, words("errorUnknown"))}`
}

/**
 * @param {Words} words
 * @param {() => void} remove
 * @param {() => string} language
 */
function itemView(words, remove, language) {
  const name = h("bdi", { class: "file-name" })
  const about = h("span", { class: "file-size" })
  const bar = h("progress", { max: 1 })
  const away = h("button", { type: "button", class: "round" }, icon(ICONS.close))
  away.addEventListener("click", remove)
  const element = h(
    "li",
    { class: "upload" },
    icon(ICONS.file),
    h("span", { class: "file-words" }, name, about, bar),
    away,
  )
  return {
    element,
    /** @param {Upload} upload */
    update(upload) {
      const shown = plainName(upload.name)
      setText(name, shown)
      element.dataset.state = upload.state
      const isUploading = upload.state === "uploading"
      const size = sizeWords(upload.size, language())
      const failed = errorWords(words, upload.error?.code, words("errorUnknown"))
      setText(about, upload.state === "failed" ? failed : size)
      bar.hidden = !isUploading
      bar.value = upload.progress
      setAttribute(bar, "aria-label", words("uploading", { name: shown }))
      setAttribute(away, "aria-label", words("removeFile", { name: shown }))
      setAttribute(away, "title", words("removeFile", { name: shown }))
    },
  }
}

/** @param {DragEvent} event */
function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false
}
