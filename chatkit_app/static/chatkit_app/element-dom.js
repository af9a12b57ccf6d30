// Making DOM: one small builder, and keyed children that keep their identity.

/**
 * Make an element. Properties go to attributes; `true` is an empty attribute, `false`, null and
 * undefined are none; `onclick` and its likes are listeners. Children that are strings become text.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    } else {
      setAttribute(element, name, value)
    }
  }
  element.append(...children.filter((child) => child !== null))
  return element
}

/**
 * Set an attribute only where it differs, so that nothing is announced or restyled in vain.
 *
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) {
    element.removeAttribute(name)
    return
  }
  const text = value === true ? "" : String(value)
  if (element.getAttribute(name) !== text) element.setAttribute(name, text)
}

/**
 * Set an element's text only where it differs.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** Has it the focus, or something in it? @param {Node} node */
export function hasFocus(node) {
  const root = node.getRootNode()
  return root instanceof ShadowRoot && node.contains(root.activeElement)
}

/**
 * A button that works: it says so, cannot be pressed again, and keeps the focus.
 *
 * @param {HTMLElement} button
 * @param {boolean} isBusy
 */
export function setBusy(button, isBusy) {
  setAttribute(button, "aria-disabled", isBusy ? "true" : null)
  setAttribute(button, "aria-busy", isBusy ? "true" : null)
}

/** Does it work already, or cannot it be used? @param {Element} button */
export function isDisabled(button) {
  return button.getAttribute("aria-disabled") === "true"
}

const SVG = "http://www.w3.org/2000/svg"

/**
 * A drawing in the colour of the text around it, hidden from assistive technology.
 *
 * @param {string} path
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg")
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24",
    "aria-hidden": "true",
    class: "icon",
  })) {
    svg.setAttribute(name, value)
  }
  const drawn = document.createElementNS(SVG, "path")
  drawn.setAttribute("d", path)
  svg.append(drawn)
  return svg
}

export const ICONS = Object.freeze({
  menu: "M4 6h16M4 12h10M4 18h16",
  add: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M5.5 11.5L12 5l6.5 6.5",
  stop: "M7 7h10v10H7z",
  down: "M12 5v14M5.5 12.5L12 19l6.5-6.5",
  chevron: "M9 6l6 6-6 6",
  done: "M5 12.5l4.5 4.5L19 7.5",
  failed: "M12 7v6.5M12 17v.5",
  waiting: "M12 7v5l3 2",
  cancelled: "M7 12h10",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13M15.5 15.5L20 20",
  options: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  pen: "M4 20l.8-4L16 4.8a1.7 1.7 0 0 1 2.4 0l.8.8a1.7 1.7 0 0 1 0 2.4L8 19.2zM13.5 7.5l3 3",
  link: "M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.2-1.2",
  pin: "M9 4h6l-1 6l3 3v2H7v-2l3-3zM12 15v6",
  fork: "M6 4v16M6 12c0-4 3-5 8-5h4M14.5 3.5L18 7l-3.5 3.5",
  archive: "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
  bin: "M4 7h16M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 11v5M13.8 11v5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  again: "M20 11.5A8 8 0 1 0 18 17.3M20 5v6.5h-6.5",
  up: "M7 21V10l4.5-7A2 2 0 0 1 14 5v4h5a2 2 0 0 1 2 2.4l-1.4 7.2A3 3 0 0 1 16.7 21zM7 10H3.5v11H7",
  bad: "M17 3v11l-4.5 7A2 2 0 0 1 10 19v-4H5a2 2 0 0 1-2-2.4l1.4-7.2A3 3 0 0 1 7.3 3zM17 14h3.5V3H17",
  before: "M14.5 6l-6 6 6 6",
  after: "M9.5 6l6 6-6 6",
  person: "M12 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8M4.5 20.5a7.5 6.5 0 0 1 15 0",
  attach:
    "M19.5 11.5l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.5 1.5 0 0 1-2.2-2.2l7.2-7.1",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
})

/**
 * Children by key: what stays, stays the same element; order follows the items.
 *
 * @template Item
 * @template {{ element: HTMLElement }} View
 */
export class KeyedChildren {
  /** @type {Map<string, View>} */
  #views = new Map()
  #parent
  #create

  /**
   * @param {HTMLElement} parent holds these children alone
   * @param {(item: Item) => View} create
   */
  constructor(parent, create) {
    this.#parent = parent
    this.#create = create
  }

  /**
   * @param {readonly Item[]} items
   * @param {(item: Item) => string} keyOf
   * @param {(view: View, item: Item, index: number) => void} update
   */
  render(items, keyOf, update) {
    this.#drop(new Set(items.map(keyOf)))
    items.forEach((item, index) => {
      const key = keyOf(item)
      const view = this.#views.get(key) ?? this.#create(item)
      this.#views.set(key, view)
      update(view, item, index)
      const there = this.#parent.children[index] ?? null
      if (there !== view.element) this.#parent.insertBefore(view.element, there)
    })
  }

  /** @param {Set<string>} kept */
  #drop(kept) {
    for (const [key, view] of this.#views) {
      if (kept.has(key)) continue
      view.element.remove()
      this.#views.delete(key)
    }
  }
}
