/** Links to one message, run or call: what they lead to is unfolded, and they can be copied. */

const COPIED_MS = 2_000

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} watch where it is told
 */
export function followLinks(root, watch) {
  const show = () => unfold(root, location.hash.slice(1))
  globalThis.addEventListener("hashchange", show)
  show()
  root.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest(".chatkit-anchor")
    if (link instanceof HTMLAnchorElement) void copy(link, watch)
  })
}

/**
 * @param {HTMLElement} root
 * @param {string} id
 */
function unfold(root, id) {
  const target = id ? document.getElementById(id) : null
  if (!target || !root.contains(target)) return
  for (
    let fold = target.closest("details");
    fold;
    fold = fold.parentElement?.closest("details") ?? null
  )
    fold.open = true
  target.scrollIntoView({ block: "start" })
  target.focus({ preventScroll: true })
}

/**
 * Where the browser lets nobody write to the clipboard, it is a link like any other.
 *
 * @param {HTMLAnchorElement} link
 * @param {HTMLElement} watch
 */
async function copy(link, watch) {
  try {
    await navigator.clipboard.writeText(link.href)
  } catch {
    return
  }
  link.title = watch.dataset.copied ?? ""
  link.classList.add("chatkit-copied")
  setTimeout(() => {
    link.removeAttribute("title")
    link.classList.remove("chatkit-copied")
  }, COPIED_MS)
}
