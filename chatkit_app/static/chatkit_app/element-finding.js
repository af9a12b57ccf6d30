// The message that a search has found: read up to it, then shown where it stands, and marked.

/** @typedef {import("./api.js").Hit} Hit */
/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/** So many pages are read to get to it; what is further up is said to be there. */
const PAGES = 5

/**
 * @typedef {object} Place where it is shown
 * @property {Words} words
 * @property {(id: string) => void} mark the message, which is drawn
 * @property {(text: string) => void} notify
 */

/**
 * @param {Hit} hit
 * @param {Pick<ClientShape, "threadId" | "thread" | "messages" | "hasEarlier" | "loadEarlier" | "addEventListener">} client
 * @param {Place} place
 * @param {() => void} draw what the client has
 * @returns {Promise<void>} rejects where older messages can't be read
 */
export async function goToHit({ message, shown }, client, place, draw) {
  const thread = client.threadId
  const isHere = () => client.messages.some(({ id }) => id === message)
  const isLeft = () => client.threadId !== thread
  while (client.thread === null && !isLeft()) await changed(client)
  if (shown) await pageBack(client, () => isHere() || isLeft())
  if (isLeft()) return
  draw()
  if (isHere()) place.mark(message)
  else place.notify(place.words(shown ? "hitFar" : "hitElsewhere"))
}

/**
 * @param {Pick<ClientShape, "hasEarlier" | "loadEarlier">} client
 * @param {() => boolean} isEnough
 */
async function pageBack(client, isEnough) {
  for (let page = 0; page < PAGES && client.hasEarlier && !isEnough(); page += 1)
    await client.loadEarlier()
}

/** @param {Pick<ClientShape, "addEventListener">} client */
function changed(client) {
  return new Promise((done) => client.addEventListener("change", done, { once: true }))
}
