import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  Legend,
  LinearScale,
  Tooltip,
} from 'chart.js';

/**
 * A bar chart, with the parts of Chart.js that it needs. It is most of the page's code, so this file is fetched when a
 * chart comes into view.
 */
export function drawBars(
  canvas: HTMLCanvasElement,
  config: ChartConfiguration<'bar', number[], string>,
): Chart<'bar', number[], string> {
  Chart.register(BarController, BarElement, CategoryScale, LinearScale, Legend, Tooltip);
  return new Chart(canvas, config);
}
