for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.of));
    const chosen = window.getSelection();
    chosen.removeAllRanges();
    chosen.addRange(range);
    document.execCommand("copy");
    button.textContent = "Copied";
  });
}
