// Streamlit 1.67 says of the drop zone of a file field that it means nothing, and names it: it is a group.
new MutationObserver(() => {
  for (const zone of document.querySelectorAll("[data-testid=stFileUploaderDropzone][role=presentation]")) zone.role = "group";
}).observe(document, { childList: true, subtree: true });
