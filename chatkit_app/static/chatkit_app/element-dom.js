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
