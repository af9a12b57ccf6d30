// Which of several answers, or questions, in one place is shown, and the way to the others.

import { h, ICONS, setAttribute, setText } from "./element-dom.js"
import { ActionButton } from "./element-toolbar.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./types.js").Message} Message */

/**
 * Where a message stands among those in its place.
 *
 * @param {Pick<Message, "id" | "siblings">} message
 * @returns {{ number: number, count: number, before: string | null, after: string | null } | null}
 *   null where it is the only one
 */
export function placeOf({ id, siblings = [] }) {
  const at = siblings.indexOf(id)
  if (at < 0 || siblings.length < 2) return null
  const [before = null, after = null] = [siblings[at - 1], siblings[at + 1]]
  return { number: at + 1, count: siblings.length, before, after }
}

export class BranchesView {
  element
  #words
  #before
  #after
  #text = h("span", { class: "branch-text", dir: "auto" })
  /** @type {ReturnType<typeof placeOf>} */
  #place = null

  /**
   * @param {Words} words
   * @param {(id: string, step: 1 | -1) => Promise<void>} show
   * @param {(error: unknown) => void} refused
   */
  constructor(words, show, refused) {
    this.#words = words
    const to = async (
      /** @type {string | null | undefined} */ id,
      /** @type {1 | -1} */ step,
    ) => {
      if (id) await show(id, step)
    }
    this.#before = new ActionButton(
      ICONS.before,
      () => to(this.#place?.before, -1),
      refused,
    )
    this.#after = new ActionButton(
      ICONS.after,
      () => to(this.#place?.after, 1),
      refused,
    )
    this.#before.name(words("branchBefore"))
    this.#after.name(words("branchAfter"))
    setAttribute(this.#before.element, "data-step", -1)
    setAttribute(this.#after.element, "data-step", 1)
    this.element = h(
      "span",
      { class: "branches", role: "group", hidden: true },
      this.#before.element,
      this.#text,
      this.#after.element,
    )
  }

  /** @param {Message} message */
  update(message) {
    this.#place = placeOf(message)
    this.element.hidden = this.#place === null
    if (!this.#place) return
    const { number, count, before, after } = this.#place
    const values = { number, count }
    setText(this.#text, this.#words("branchShort", values))
    setAttribute(this.element, "aria-label", this.#words("branch", values))
    this.#end(this.#before, before === null)
    this.#end(this.#after, after === null)
  }

  /**
   * @param {ActionButton} button
   * @param {boolean} isEnd
   */
  #end({ element }, isEnd) {
    if (element.hasAttribute("aria-busy")) return
    setAttribute(element, "aria-disabled", isEnd ? "true" : null)
  }
}
