/**
 * A part of a page is drawn again by the server: only what is another one now is replaced, and what
 * people have unfolded, focused and half written stays as it is.
 *
 * Whatever has `data-blocks` is a row of blocks, each with an id.
 */

/** What the server drew, before anybody touched it. @type {WeakMap<Element, string>} */
const sources = new WeakMap()

/** @param {Element} root as the server has just drawn it */
export function remember(root) {
  for (const block of root.children) {
    if (block.hasAttribute("data-blocks")) remember(block)
    else sources.set(block, sourceOf(block))
  }
}

/**
 * @param {Element} root
 * @param {Element} drawn the same, as it is now
 */
export function redraw(root, drawn) {
  /** @type {Element | null} */
  let here = root.firstElementChild
  for (const fresh of [...drawn.children]) {
    const known = [...root.children].find((block) => block.id === fresh.id) ?? null
    const kept = known ? keep(known, fresh) : add(root, fresh, here)
    if (known && kept !== here) root.insertBefore(kept, here)
    here = kept.nextElementSibling
  }
  while (here) {
    const gone = here
    here = here.nextElementSibling
    gone.remove()
  }
}

/**
 * @param {Element} root
 * @param {Element} fresh
 * @param {Element | null} before
 */
function add(root, fresh, before) {
  const added = document.importNode(fresh, true)
  root.insertBefore(added, before)
  if (added.hasAttribute("data-blocks")) remember(added)
  else sources.set(added, sourceOf(fresh))
  return added
}

/**
 * @param {Element} known
 * @param {Element} fresh
 * @returns {Element} what stands there now
 */
function keep(known, fresh) {
  if (known.hasAttribute("data-blocks") && fresh.hasAttribute("data-blocks")) {
    redraw(known, fresh)
    return known
  }
  const source = sourceOf(fresh)
  if (sources.get(known) === source) return known
  const added = document.importNode(fresh, true)
  const place = placeOfFocus(known)
  carryOver(known, added)
  known.replaceWith(added)
  sources.set(added, source)
  if (place >= 0) focusable(added)[place]?.focus({ preventScroll: true })
  return added
}

/** Tokens are others at every drawing, and mean the same. @param {Element} block */
function sourceOf(block) {
  const copy = /** @type {Element} */ (block.cloneNode(true))
  for (const field of copy.querySelectorAll("input[type=hidden]"))
    field.removeAttribute("value")
  return copy.outerHTML
}

/**
 * What people have done to a block is done to the one in its place.
 *
 * @param {Element} known
 * @param {Element} added
 */
function carryOver(known, added) {
  for (const fold of folds(known)) {
    const same = folds(added).find((each) => each.dataset.fold === fold.dataset.fold)
    if (same) same.open = fold.open
  }
  for (const field of written(known)) {
    const same = written(added).find((each) => nameOf(each) === nameOf(field))
    if (same && field.value !== field.defaultValue) same.value = field.value
  }
}

/** @param {Element} block @returns {HTMLDetailsElement[]} */
function folds(block) {
  return [...block.querySelectorAll("details")].filter((each) => each.dataset.fold)
}

/** @param {Element} block @returns {(HTMLInputElement | HTMLTextAreaElement)[]} */
function written(block) {
  return [
    .../** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (
      block.querySelectorAll("textarea, input:not([type=hidden], [type=checkbox])")
    ),
  ]
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field */
function nameOf(field) {
  const fold = field.closest("details")?.dataset.fold ?? ""
  return `${field.form?.getAttribute("action")} ${fold} ${field.name}`
}

/** @param {Element} block @returns {HTMLElement[]} */
function focusable(block) {
  return [
    .../** @type {NodeListOf<HTMLElement>} */ (
      block.querySelectorAll("a[href], button, summary, input, textarea, select")
    ),
  ]
}

/** @param {Element} block */
function placeOfFocus(block) {
  const focused = document.activeElement
  return focused instanceof HTMLElement ? focusable(block).indexOf(focused) : -1
}
