// Drawings of 24 by 24, as paths.

export const PLAY = "M8 5v14l11-7z";
export const PAUSE = "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z";
export const BACK = "M15 6l-6 6 6 6";
export const FORWARD = "M9 6l6 6-6 6";
export const CLOSE = "M6 6l12 12M18 6L6 18";
