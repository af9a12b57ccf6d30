// What the client tells of tools, as events that bubble through the page around the element.

/**
 * @param {EventTarget} client
 * @param {HTMLElement} owner the element
 */
export function tellPage(client, owner) {
  client.addEventListener("toolcall", (event) => {
    const isWanted = tell(owner, "chatkit-tool-call", event, { cancelable: true })
    if (!isWanted) event.preventDefault()
  })
  client.addEventListener(
    "effect",
    (event) => void tell(owner, "chatkit-effect", event),
  )
}

/**
 * @param {HTMLElement} owner
 * @param {string} name of the event in the page
 * @param {Event} event the client's
 * @param {CustomEventInit} [options]
 */
function tell(owner, name, event, options = {}) {
  const { detail } = /** @type {CustomEvent<unknown>} */ (event)
  const own = { detail, bubbles: true, composed: true, ...options }
  return owner.dispatchEvent(new CustomEvent(name, own))
}
