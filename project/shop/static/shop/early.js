// Runs before the page is drawn, so that the chat's panel does not jump.
// The wide page begins with the chat beside it, the narrow one without.
;(() => {
  const isWide = matchMedia("(min-width: 64rem)").matches
  const { dataset } = document.documentElement
  let kept = null
  try {
    kept = sessionStorage.getItem("shop:chat")
    if (sessionStorage.getItem("shop:sheet")) dataset.sheet = "low"
    sessionStorage.removeItem("shop:sheet")
  } catch {
    // Storage is blocked: every page begins as the first one.
  }
  dataset.chat = kept ?? (isWide ? "open" : "closed")
})()
