() => {
  // A question is about the video on the page. While one is on its way, or the server has not taken it yet, questions
  // wait here: the server would ask them of the video before, or of none.
  const SETTLE_MS = 1000; // an upload that failed tells the server nothing
  const FILES = "#cs-player .uploading, #cs-subtitles .uploading";
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  let isUploading = false;
  let taking = 0; // files that the server is being told of
  let until = 0;
  let waits = false;

  new MutationObserver(() => {
    const before = isUploading;
    isUploading = document.querySelector(FILES) !== null;
    if (before && !isUploading) until = performance.now() + SETTLE_MS;
  }).observe(document.body, { childList: true, subtree: true });

  const isTaken = () => !isUploading && taking === 0 && performance.now() >= until;

  window.clamrUploads = {
    begin() {
      taking += 1;
    },
    end() {
      taking = Math.max(0, taking - 1);
      until = 0;
    },
    /** Resolves once the server has what is on the page; a second question meanwhile is the first one again. */
    async taken() {
      if (waits) return new Promise(() => {});
      if (isTaken()) return;
      waits = true;
      document.body.dataset.csWaits = "upload";
      while (!isTaken()) await sleep(50);
      waits = false;
      delete document.body.dataset.csWaits;
    },
  };
};
