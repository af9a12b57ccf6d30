// A few words at the page's edge that go by themselves. Nothing is told here alone.

const SHOWN_MS = 6000

/** @param {string} text */
export function toast(text) {
  const place = document.getElementById("toasts")
  if (!place || !text) return
  const made = document.createElement("p")
  made.textContent = text
  place.replaceChildren(made)
  setTimeout(() => made.remove(), SHOWN_MS)
}
