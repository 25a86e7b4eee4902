// A frame becomes as high as the page in it says it is. Only the page of that frame is listened to.
addEventListener("message", (event) => {
    const height = Number(event.data?.palisade?.height);
    if (!Number.isFinite(height)) return;
    for (const frame of document.querySelectorAll("iframe")) {
        const isIts = event.source === frame.contentWindow && event.origin === new URL(frame.src).origin;
        if (isIts) frame.style.height = `${Math.min(Math.max(height, 160), 4000)}px`;
    }
});
