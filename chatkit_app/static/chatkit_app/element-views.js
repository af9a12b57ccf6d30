// All views of the chat, made and put into their frame, once.

import { Announcer } from "./element-announcer.js"
import { AttachmentsView, limitsOf } from "./element-attachments.js"
import { ClosedBar } from "./element-closed.js"
import { ComposerView } from "./element-composer.js"
import { Frame } from "./element-frame.js"
import { MessagesView } from "./element-messages.js"
import { BottomKeeper } from "./element-scroll.js"
import { canShare, SharingDialog } from "./element-sharing.js"
import { readList } from "./element-strings.js"
import { ThreadsDrawer } from "./element-threads-list.js"
import { WaitingBar } from "./element-waiting.js"

/** @typedef {import("./element-frame.js").FrameHost} FrameHost */
/** @typedef {import("./element-messages.js").MessagesHost} MessagesHost */
/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-threads-list.js").DrawerHost} DrawerHost */

/**
 * @typedef {object} Views
 * @property {Frame} frame
 * @property {MessagesView} messages
 * @property {ClosedBar} closed
 * @property {WaitingBar} waiting
 * @property {ComposerView} composer
 * @property {Announcer} announcer
 * @property {ThreadsDrawer} drawer
 * @property {BottomKeeper} keeper
 * @property {import("./element-finding.js").Place} place where what a search has found is shown
 */

/**
 * @typedef {object} Hosts what the views ask for, each its own
 * @property {Omit<FrameHost, "toBottom">} frame
 * @property {Omit<MessagesHost, "say" | "keepAt">} messages
 * @property {Omit<DrawerHost, "closed" | "share"> & { api: import("./api.js").Api }} drawer
 * @property {ConstructorParameters<typeof ComposerView>[1]} composer
 * @property {() => void} showWaiting
 * @property {() => Promise<void>} unarchive
 */

/**
 * @param {Words} words
 * @param {HTMLElement} owner the element that is dressed
 * @param {Hosts} hosts
 * @returns {Views}
 */
export function drawViews(words, owner, hosts) {
  const announcer = new Announcer(words)
  const frame = new Frame(words, owner, {
    ...hosts.frame,
    toBottom: () => keeper.toBottom({ isSmooth: true }),
  })
  const keeper = new BottomKeeper(frame.scroller, frame.column, (isAtBottom) =>
    frame.setAtBottom(isAtBottom),
  )
  const messages = new MessagesView(words, {
    ...hosts.messages,
    say: (text) => announcer.say(text),
    keepAt: (element, top) => keeper.keepAt(element, top),
  })
  const sharing = canShare(owner) ? new SharingDialog(words, hosts.drawer) : null
  const drawer = new ThreadsDrawer(words, {
    ...hosts.drawer,
    closed: () => frame.setCovered(false),
    share: sharing && ((row, opener) => void sharing.open(row, opener)),
  })
  if (sharing) drawer.element.append(sharing.element)
  const placeholder = owner.getAttribute("placeholder") || words("placeholder")
  const limits = limitsOf(owner)
  const { ready, language } = hosts.drawer
  const composer = new ComposerView(
    words,
    hosts.composer,
    placeholder,
    limits &&
      ((host) =>
        new AttachmentsView(words, owner, limits, { ...host, ready, language })),
  )
  const waiting = new WaitingBar(words, hosts.showWaiting)
  const closed = new ClosedBar(words, hosts.unarchive, hosts.messages.problem)
  frame.fill({
    greeting: owner.getAttribute("greeting") || words("greeting"),
    suggestions: readList(owner.getAttribute("suggestions")),
    messages: messages.element,
    docked: [closed.element, waiting.element, composer.element],
    drawer: drawer.element,
    announcer: announcer.element,
  })
  announcer.opening()
  const place = {
    words,
    mark: (/** @type {string} */ id) => {
      const article = messages.mark(id)
      if (article) keeper.toElement(article)
    },
    notify: (/** @type {string} */ text) => composer.notify(text),
  }
  const bars = { closed, waiting, composer }
  return { frame, messages, ...bars, announcer, drawer, keeper, place }
}
