// A page from disk may not read other pages: the search then lists titles, without an excerpt of each.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// The playground on the front page says how tall it is: it differs with the width, and as parts unfold.
addEventListener("message", (event) => {
  const frame = document.querySelector("iframe.playground");
  if (frame && event.source === frame.contentWindow && event.data.playground > 0) {
    frame.style.height = `${Math.ceil(event.data.playground) + 2}px`;
  }
});
