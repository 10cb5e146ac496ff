// Where two pictures differ, as a heat map over a dim grey copy of the first one.

const LONGEST_SIDE = 1600;
// Dark violet over red to pale yellow: reads by brightness alone too.
const RAMP = [[45, 10, 90], [135, 25, 110], [205, 60, 70], [245, 125, 20], [250, 200, 50], [252, 250, 180]];

/** Pixels of two loaded images at one size: at most LONGEST_SIDE, in the first one's proportions. */
function pixelsOf(first, second) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(first.naturalWidth, first.naturalHeight));
  const width = Math.max(1, Math.round(first.naturalWidth * scale));
  const height = Math.max(1, Math.round(first.naturalHeight * scale));
  return [first, second].map((image) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  });
}

/** Colour of a difference of 1 to 255 levels; the root lets small ones be seen. */
function heat(levels) {
  const place = Math.sqrt(levels / 255) * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(place));
  return RAMP[low].map((value, channel) => value + (RAMP[low + 1][channel] - value) * (place - low));
}

/**
 * Draw the greatest difference of the three channels of each pixel, and measure it.
 * Returns the share of pixels that differ, their mean over all pixels, and the greatest, in levels of 255.
 */
function drawDifference(canvas, first, second) {
  const [one, other] = pixelsOf(first, second);
  const made = new ImageData(one.width, one.height);
  const colours = Array.from({ length: 256 }, (_, levels) => heat(levels));
  let differing = 0, sum = 0, greatest = 0;
  for (let at = 0; at < one.data.length; at += 4) {
    let levels = 0;
    for (let channel = 0; channel < 3; channel++) {
      levels = Math.max(levels, Math.abs(one.data[at + channel] - other.data[at + channel]));
    }
    if (levels > 0) {
      differing++;
      sum += levels;
      greatest = Math.max(greatest, levels);
      made.data.set(colours[levels], at);
    } else {
      const grey = (0.2126 * one.data[at] + 0.7152 * one.data[at + 1] + 0.0722 * one.data[at + 2]) * 0.4;
      made.data.set([grey, grey, grey], at);
    }
    made.data[at + 3] = 255;
  }
  canvas.width = one.width;
  canvas.height = one.height;
  canvas.getContext("2d").putImageData(made, 0, 0);
  const pixels = one.width * one.height;
  return { share: differing / pixels, mean: sum / pixels, greatest };
}

function differenceSentence(found, sameSize) {
  const scaled = sameSize ? "" : " They have different sizes: the second is scaled to the first.";
  if (found.greatest === 0) return `The pictures are equal in every pixel.${scaled}`;
  const share = found.share < 0.001 ? "less than 0.1" : (100 * found.share).toFixed(found.share < 0.1 ? 1 : 0);
  const mean = found.mean.toFixed(found.mean < 10 ? 1 : 0);
  return `${share} % of the pixels differ; mean difference ${mean}, greatest ${found.greatest} of 255 levels.${scaled}`;
}
