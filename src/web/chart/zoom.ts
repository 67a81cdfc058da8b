/** How large a chart is drawn. */

/** Below, its words cannot be read. */
const readable_zoom = 0.68;
export const zoom_min = 0.3;
export const zoom_max = 2.5;

/** As wide as its place, but never so small that it cannot be read, and no larger than it was drawn. */
export function fitZoom(chart_px: number, place_px: number): number {
  if (place_px <= 0 || chart_px <= 0) return 1;
  return Math.min(1, Math.max(readable_zoom, place_px / chart_px));
}

/** @param direction 1: larger, -1: smaller */
export function nextZoom(zoom: number, direction: 1 | -1): number {
  return Math.min(zoom_max, Math.max(zoom_min, zoom * 1.25 ** direction));
}
