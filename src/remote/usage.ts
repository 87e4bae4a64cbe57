/** The text of `GET /`. */
export const USAGE = `POST /decode, or POST /, returns the pictures of latents. diffusers' client asks like this:

  from diffusers.utils.remote_utils import remote_decode
  image = remote_decode("URL", latents, scaling_factor=0.18215, image_format="png")

  latents as a PNG:           curl -H 'content-type: image/png' --data-binary @latent.png URL/decode -o picture.png
  f32, little-endian [C,h,w]: curl -H 'content-type: application/octet-stream' --data-binary @latent.f32 'URL/decode?width=64&height=64' -o picture.png

POST /encode returns the latents of a picture: remote_encode("URL/encode", image, scaling_factor=0.18215)
GET /models lists the models, GET /health reports that the server answers.
`;
