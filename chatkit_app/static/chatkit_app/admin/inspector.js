/** The script of a thread's page in the admin: it follows links into it, and keeps it live. */

import { followLinks } from "./follow-links.js"
import { LivePage } from "./live-page.js"

const root = document.getElementById("chatkit-live")
const watch = document.getElementById("chatkit-watch")

if (root && watch) {
  followLinks(root, watch)
  if (root.dataset.isLive !== undefined) new LivePage({ root, watch }).start()
}
