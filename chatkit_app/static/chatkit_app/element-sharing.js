// Sharing a thread: a dialog in which a link is made, copied and taken back.

import { roundButton } from "./element-composer.js"
import { h, ICONS, isDisabled, setBusy, setText } from "./element-dom.js"

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").ShareRow} ShareRow */
/** @typedef {import("./element-strings.js").Words} Words */

/**
 * @typedef {object} SharingHost
 * @property {Api} api
 * @property {() => string} language
 * @property {(error: unknown) => string} reason
 */

/** May threads be shared here? @param {Element} owner */
export function canShare(owner) {
  return owner.hasAttribute("sharing")
}

export class SharingDialog {
  #words
  #host
  #thread = ""
  /** The link that is shown. */
  #newest = ""
  /** What gets the focus back. @type {HTMLElement | null} */
  #opener = null
  #title = h("h2", { dir: "auto" })
  #make
  #made
  #link
  #copy
  #list = h("ul", { class: "shares" })
  #none
  #problem = h("p", { class: "entry-problem", role: "alert", hidden: true })
  #said = h("p", { class: "unseen", role: "status" })

  /**
   * @param {Words} words
   * @param {SharingHost} host
   */
  constructor(words, host) {
    this.#words = words
    this.#host = host
    this.#make = h(
      "button",
      { type: "button", class: "share-make" },
      words("shareMake"),
    )
    this.#make.addEventListener("click", () => this.#asked(this.#make, this.#share))
    this.#link = h("input", { type: "text", readonly: true, dir: "ltr" })
    this.#link.setAttribute("aria-label", words("shareLink"))
    this.#link.addEventListener("focus", () => this.#link.select())
    this.#copy = h("button", { type: "button" }, words("copy"))
    this.#copy.addEventListener("click", () => void this.#copied())
    this.#made = h(
      "div",
      { class: "share-made", hidden: true },
      this.#link,
      this.#copy,
      h("p", { class: "share-hint" }, words("shareOnce")),
    )
    this.#none = h("p", { class: "share-hint", hidden: true }, words("shareNone"))
    this.element = this.#draw()
  }

  #draw() {
    const words = this.#words
    const close = roundButton("quiet", words("close"), ICONS.close)
    close.addEventListener("click", () => this.element.close())
    const dialog = h(
      "dialog",
      { class: "sharing", part: "sharing", closedby: "any" },
      h("div", { class: "sharing-head" }, this.#title, close),
      h("p", { class: "share-hint" }, words("shareHint")),
      this.#make,
      this.#made,
      h("h3", {}, words("shareLinks")),
      this.#none,
      this.#list,
      this.#problem,
      this.#said,
    )
    // The drawer below hears keys as well, and Escape is for the dialog alone.
    dialog.addEventListener("keydown", (event) => event.stopPropagation())
    dialog.addEventListener("close", () => this.#closed())
    return dialog
  }

  /**
   * @param {{ id: string, title: string }} thread
   * @param {HTMLElement} opener
   */
  async open({ id, title }, opener) {
    this.#thread = id
    this.#opener = opener
    const name = this.#words("shareTitle", { title: title || this.#words("untitled") })
    setText(this.#title, name)
    this.element.setAttribute("aria-label", name)
    this.#made.hidden = true
    this.#none.hidden = true
    this.#list.replaceChildren()
    this.#tell("")
    this.element.showModal()
    this.#make.focus()
    await this.#try(() => this.#read())
  }

  /** What is told once does not stay in the page. */
  #forget() {
    this.#link.value = ""
    this.#made.hidden = true
  }

  #closed() {
    this.#forget()
    this.#thread = ""
    this.#opener?.focus()
  }

  #share = async () => {
    const thread = this.#thread
    const { id, url } = await this.#host.api.share(thread)
    if (thread !== this.#thread) return
    this.#newest = id
    this.#link.value = new URL(url, location.href).href
    this.#made.hidden = false
    this.#link.focus()
    setText(this.#said, this.#words("shareIsMade"))
    await this.#read()
  }

  async #read() {
    const thread = this.#thread
    if (thread === "") return // closed meanwhile
    const rows = await this.#host.api.shares(thread)
    if (thread !== this.#thread) return
    this.#none.hidden = rows.length > 0
    this.#list.replaceChildren(...rows.map((row) => this.#entry(row)))
  }

  /** @param {ShareRow} row */
  #entry(row) {
    const words = this.#words
    const revoke = h(
      "button",
      { type: "button", class: "danger" },
      words("shareRevoke"),
    )
    revoke.addEventListener("click", () =>
      this.#asked(revoke, async () => {
        const thread = this.#thread
        await this.#host.api.revokeShare(thread, row.id)
        if (thread !== this.#thread) return
        if (row.id === this.#newest) this.#forget()
        setText(this.#said, words("shareIsRevoked"))
        this.#make.focus() // the button goes away
        await this.#read()
      }),
    )
    const text = words("shareEntry", {
      from: this.#time(row.createdAt),
      until: this.#time(row.expiresAt),
    })
    revoke.setAttribute("aria-label", `${words("shareRevoke")}: ${text}`)
    return h("li", { "data-id": row.id }, h("span", {}, text), revoke)
  }

  /** @param {string} moment */
  #time(moment) {
    const options = /** @type {const} */ ({ dateStyle: "medium", timeStyle: "short" })
    const language = this.#host.language() || undefined
    return new Intl.DateTimeFormat(language, options).format(new Date(moment))
  }

  async #copied() {
    try {
      await navigator.clipboard.writeText(this.#link.value)
      setText(this.#copy, this.#words("copied"))
      setTimeout(() => setText(this.#copy, this.#words("copy")), 2000)
    } catch {
      this.#link.focus() // no clipboard here: it is selected, to be copied by key
    }
  }

  /**
   * @param {HTMLElement} button
   * @param {() => Promise<void>} ask
   */
  async #asked(button, ask) {
    if (isDisabled(button)) return
    setBusy(button, true)
    await this.#try(ask)
    setBusy(button, false)
  }

  /** @param {() => Promise<void>} ask */
  async #try(ask) {
    const thread = this.#thread
    this.#tell("")
    try {
      await ask()
    } catch (error) {
      if (thread === this.#thread) this.#tell(this.#host.reason(error))
    }
  }

  /** @param {string} problem */
  #tell(problem) {
    this.#problem.hidden = problem === ""
    setText(this.#problem, problem)
  }
}
